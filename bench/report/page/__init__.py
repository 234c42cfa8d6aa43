"""The leaderboard page: one self-contained HTML file that needs no server and no library."""
