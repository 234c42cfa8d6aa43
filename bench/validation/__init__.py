"""What has to be right about a folder of records before others may rely on it; one idea per file."""
