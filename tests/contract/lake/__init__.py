"""What every LakeStore must do."""
