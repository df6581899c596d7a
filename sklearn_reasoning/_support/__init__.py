"""What any room may use: inputs, random states, threads, values, drawing."""
