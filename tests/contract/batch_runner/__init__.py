"""What every BatchRunner must do, run against each adapter."""
