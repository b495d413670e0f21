package dataset

// LeastNamed is in how many rows a value, or of how many rows a group, must be to be named: a rarer one may be a person's.
const LeastNamed = 5
