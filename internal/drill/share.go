package drill

import (
	"regexp"
	"strconv"
)

// Share is a part of all requests, in hundredths of a percent.
type Share uint64

// whole is every request.
const whole Share = 100_00

var shareForm = regexp.MustCompile(`^(\d{1,3})(?:\.(\d{1,2}))?%$`)

// parseShare reads a share above 0% and at most 100%, such as "5%" or "0.25%".
func parseShare(text string) (Share, bool) {
	digits := shareForm.FindStringSubmatch(text)
	if digits == nil {
		return 0, false
	}
	hundredths, err := strconv.ParseUint(digits[1]+(digits[2] + "00")[:2], 10, 64)
	share := Share(hundredths)
	return share, err == nil && share > 0 && share <= whole
}

// hits spaces the share evenly, without chance, so that few requests get their share too: of any k in a row it hits k times the share,
// rounded down or up; 5% are the 20th, the 40th and so on. The n-th is hit when n times the share reaches the next whole number, which
// is Bresenham's line of that slope (https://doi.org/10.1147/sj.41.0025).
func (s Share) hits(n uint64) bool { return n*uint64(s)%uint64(whole) < uint64(s) }
