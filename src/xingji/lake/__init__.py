"""Where events live: tables, compaction, prepared columns and the scans that readers see."""
