package clean

import (
	"strings"

	"github.com/loanops/loanops/internal/fault"
	"github.com/loanops/loanops/internal/pipeline"
)

// amount reads amounts of money:
//
//	amount = "(" money ")" | [sign] money          (in parentheses: negative)
//	money  = [currency] [sign] digits | digits [currency]
//	digits = whole [point {digit}] | point digit {digit}
//	whole  = digit {digit} | 1 to 3 digits {separator 3 digits}
//
// with one sign at most, and blanks around the currency and the parentheses. A number without currency and separators may have an exponent, as
// programs write it.
type amount struct{ currency, separator, point string }

func newAmount(of pipeline.ColumnType, spec *pipeline.Amount) (*amount, error) {
	separator, point := spec.Separators()
	if !of.Quantity() || len(point) != 1 || separator == point {
		return nil, fault.New(fault.Invalid, "an amount step cleans numbers, and has two different separators")
	}
	return &amount{currency: composed(spec.Currency), separator: composed(separator), point: point}, nil
}

// text is the amount as a step after it sees it: a number with a point and no separators.
func (a *amount) text(text string) (string, Fault) {
	number, ok := a.plain(nil, text)
	if _, right := scan(number); !ok || !right {
		if v, _ := blank(text, NoAmount); v.Missing {
			return "", None
		}
		return "", NoAmount
	}
	return string(number), None
}

// plain appends the amount as a number to an empty slice. That there are digits is left to whoever reads it.
func (a *amount) plain(number []byte, text string) ([]byte, bool) {
	text = strings.Trim(text, blanks)
	negative, signed := false, false
	if len(text) >= 2 && text[0] == '(' && text[len(text)-1] == ')' {
		negative, signed = true, true
		text = strings.Trim(text[1:len(text)-1], blanks)
	}
	sign := func() {
		if !signed && text != "" && (text[0] == '-' || text[0] == '+') {
			negative, signed = text[0] == '-', true
			text = text[1:]
		}
	}
	bare := !signed // what is a number as programs write it
	sign()
	if a.currency != "" {
		if rest, ok := strings.CutPrefix(text, a.currency); ok {
			text, bare = strings.TrimLeft(rest, blanks), false
			sign()
		} else if rest, ok := strings.CutSuffix(text, a.currency); ok {
			text, bare = strings.TrimRight(rest, blanks), false
		}
	}
	if negative {
		number = append(number, '-')
	}
	group, grouped, whole := 0, false, true
	for i := 0; i < len(text); {
		switch c := text[i]; {
		case '0' <= c && c <= '9':
			number = append(number, c)
			group++
			i++
		case whole && c == a.point[0]:
			if grouped && group != 3 {
				return number, false
			}
			number = append(number, '.')
			whole = false
			i++
		case whole && strings.HasPrefix(text[i:], a.separator):
			if group == 0 || group > 3 || grouped && group != 3 {
				return number, false
			}
			group, grouped = 0, true
			i += len(a.separator)
		case bare && !grouped && c|0x20 == 'e':
			return append(number, text[i:]...), true
		default:
			return number, false
		}
	}
	return number, !whole || !grouped || group == 3
}
