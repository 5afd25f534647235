"""Two frames in, the motion of every pixel out."""
