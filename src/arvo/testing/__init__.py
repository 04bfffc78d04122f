"""What tests of Arvo applications and back ends need. Conformance kits: `arvo.testing.machine_memory`."""
