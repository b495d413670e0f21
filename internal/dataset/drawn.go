package dataset

// Drawn are n of so many rows, ascending, as if by chance, and the same every time: all of them where there are no more. Rows that were evenly spaced would
// fall in with whatever comes in turns, such as applicants and those who apply with them. Each row is taken with the probability with which the rows that are
// still wanted are among those that are left (Fan, Muller & Rezucha 1962, doi 10.1080/01621459.1962.10480667); chance is a hash of the row's number.
func Drawn(rows, n int) []int {
	drawn := make([]int, 0, max(min(rows, n), 0))
	for row := 0; len(drawn) < cap(drawn); row++ {
		chance := float64(mixed(uint64(row))>>11) / (1 << 53)
		if chance*float64(rows-row) < float64(cap(drawn)-len(drawn)) {
			drawn = append(drawn, row)
		}
	}
	return drawn
}

// mixed spreads the bits of a number over all of its bits: the finaliser of SplitMix64, doi 10.1145/2660193.2660195.
func mixed(x uint64) uint64 {
	x = (x + 1) * 0x9e3779b97f4a7c15
	x = (x ^ x>>30) * 0xbf58476d1ce4e5b9
	x = (x ^ x>>27) * 0x94d049bb133111eb
	return x ^ x>>31
}
