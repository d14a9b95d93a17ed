"""Made-up people written as data sets and samples."""
