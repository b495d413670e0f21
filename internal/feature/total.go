package feature

import "math/bits"

// Total is a sum of 64-bit numbers. It is exact, so it is the same in whatever order they come: a number of 128 bits, in two's complement.
type Total struct {
	high int64
	low  uint64
}

// TotalOf is a single number.
func TotalOf(x int64) Total { return Total{x >> 63, uint64(x)} } //nolint:gosec // the bits of it

// Plus is the sum of both.
func (t Total) Plus(u Total) Total {
	low, carry := bits.Add64(t.low, u.low, 0)
	return Total{t.high + u.high + int64(carry), low} //nolint:gosec // 0 or 1
}

// Int64 is the sum as a 64-bit number; false where it is none.
func (t Total) Int64() (sum int64, fits bool) {
	sum = int64(t.low) //nolint:gosec // the bits of it
	return sum, t.high == sum>>63
}
