-- The JSON of the event on which a workflow failed, so that it can be delivered again; NULL unless it has failed.
ALTER TABLE arvo_workflows ADD COLUMN failed_on TEXT;
