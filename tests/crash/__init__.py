"""Processes killed, power cut, disks full: nothing lost, nothing twice."""
