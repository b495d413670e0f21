package pipeline

import (
	"regexp"
	"strings"
)

// MinYear and MaxYear bound every date: what lies beyond them is a mistake of writing.
const (
	MinYear = 1800
	MaxYear = 2999
)

// dateToken is one part of a format: of the tokens that begin alike the longest.
var dateToken = regexp.MustCompile(`^(YYYY|YY|MMM|MM|M|DD|D|[-/. ,])`)

// DateTokens are the parts of a format of dates, in order: YYYY or YY, MMM, MM or M, DD or D, each of the three once, and separators of one
// character. It is nil for what is no format. M and D, which stand for one digit or two, must not be followed by further digits.
func DateTokens(format string) (tokens []string) {
	seen := map[byte]bool{}
	for format != "" {
		token := dateToken.FindString(format)
		if token == "" {
			return nil
		}
		if kind := token[0]; strings.IndexByte("YMD", kind) >= 0 {
			if seen[kind] {
				return nil
			}
			seen[kind] = true
		}
		tokens, format = append(tokens, token), format[len(token):]
		open := token == "M" || token == "D"
		if open && format != "" && strings.IndexByte("YMD", format[0]) >= 0 && !strings.HasPrefix(format, "MMM") {
			return nil
		}
	}
	if len(seen) != 3 {
		return nil
	}
	return tokens
}

// FirstYear is the pivot, its default filled in.
func (d *DateIn) FirstYear() int {
	if d.Pivot == 0 {
		return 1970
	}
	return d.Pivot
}
