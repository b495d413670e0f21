package canary

// bisect finds where a convex function of x from low to high is least: where its slope turns from falling to rising.
func bisect(low, high float64, slope func(x float64) float64) float64 {
	for range 50 {
		x := (low + high) / 2
		if slope(x) < 0 {
			low = x
		} else {
			high = x
		}
	}
	return (low + high) / 2
}

// minimise finds the same without a slope: thirds of what is left are cut off around the least value.
func minimise(low, high float64, of func(x float64) float64) float64 {
	for range 40 {
		a, b := low+(high-low)/3, high-(high-low)/3
		if of(a) <= of(b) {
			high = b
		} else {
			low = a
		}
	}
	return (low + high) / 2
}
