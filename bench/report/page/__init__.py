"""The page of the leaderboard: one HTML file that holds all it shows, and needs no server and no library."""
