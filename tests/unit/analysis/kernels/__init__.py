"""How kernels are compiled; what they answer is held by the conformance tests."""
