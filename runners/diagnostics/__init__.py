"""What is tried and looked at before a run; nothing here is part of one."""
