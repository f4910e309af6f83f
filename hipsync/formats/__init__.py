"""Files in and out: hipsync's own CSV, JSON and Parquet, and the exports of Gadgetbridge and Fitabase."""
