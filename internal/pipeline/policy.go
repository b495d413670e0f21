package pipeline

// ValidCutoff reports whether v is a probability strictly between 0 and 1: at either end every application would get the same
// verdict. NaN is none.
func ValidCutoff(v float64) bool { return v > 0 && v < 1 }
