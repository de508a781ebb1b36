"""The loan solution as content: tracking plan, vocabulary and the simulated bank; no mechanism."""
