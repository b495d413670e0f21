package clean

import (
	"math"
	"math/bits"
	"strconv"
	"strings"

	"github.com/loanops/loanops/internal/pipeline"
)

// digits is a number as it is written: mantissa · 10^exponent.
type digits struct {
	negative bool
	mantissa uint64
	exponent int
	// exact: the mantissa, of at most 19 digits, is all of the number.
	exact bool
}

// maxExponent bounds what is counted; what is beyond is too large, or nothing, in every type.
const maxExponent = 100_000

// scan reads a number with blanks around it; false where there is none.
func scan[T string | []byte](text T) (d digits, ok bool) {
	i, end := 0, len(text)
	for i < end && (text[i] == ' ' || text[i] == '\t') {
		i++
	}
	for i < end && (text[end-1] == ' ' || text[end-1] == '\t') {
		end--
	}
	if i < end && (text[i] == '-' || text[i] == '+') {
		d.negative = text[i] == '-'
		i++
	}
	d.exact = true
	some, point := false, false
	for ; i < end; i++ {
		c := text[i]
		if c == '.' && !point {
			point = true
			continue
		}
		if c < '0' || c > '9' {
			break
		}
		some = true
		if d.mantissa < 1e18 {
			d.mantissa = 10*d.mantissa + uint64(c-'0')
			if point {
				d.exponent--
			}
			continue
		}
		d.exact = d.exact && c == '0'
		if !point {
			d.exponent++
		}
	}
	if some && i < end && (text[i] == 'e' || text[i] == 'E') {
		i++
		sign := 1
		if i < end && (text[i] == '-' || text[i] == '+') {
			if text[i] == '-' {
				sign = -1
			}
			i++
		}
		power := 0
		some = false
		for ; i < end && '0' <= text[i] && text[i] <= '9'; i++ {
			some = true
			power = min(10*power+int(text[i]-'0'), maxExponent)
		}
		d.exponent += sign * power
	}
	return d, some && i == end
}

// Quantity is the number that Clean makes of a text, where there is nothing to clean and it is written as most are: digits, up to fifteen, with
// a point or a minus sign; false for any other, of which Clean knows more.
func (c *Cleaner) Quantity(raw string) (x float64, ok bool) {
	i := 0
	if i < len(raw) && raw[i] == '-' {
		i++
	}
	first, places := i, -1 // digits after the point, or no point
	var mantissa uint64
	for ; i < len(raw); i++ {
		d := raw[i] - '0'
		if d > 9 {
			if raw[i] != '.' || places >= 0 || c.of == pipeline.Integer {
				return 0, false
			}
			places = len(raw) - i - 1
			continue
		}
		mantissa = 10*mantissa + uint64(d)
	}
	digits := i - first - min(places+1, 1)
	if !c.plain || c.of == pipeline.Decimal || digits == 0 || digits > 15 {
		return 0, false
	}
	if x = float64(mantissa); first > 0 && mantissa > 0 {
		x = -x
	}
	if places > 0 {
		x /= powers[places]
	}
	return x, true
}

// quantity reads a number, an integer or a decimal.
func quantity[T string | []byte](text T, of pipeline.ColumnType) (Value, Fault) {
	d, ok := scan(text)
	if !ok {
		return Value{}, NoNumber
	}
	switch of {
	case pipeline.Integer:
		whole, fault := d.units(0, math.MaxInt64)
		if fault == TooFine {
			fault = NotWhole
		}
		return Value{Integer: whole, Number: float64(whole)}, fault
	case pipeline.Decimal:
		units, fault := d.units(pipeline.DecimalPlaces, tens[pipeline.DecimalDigits]-1)
		return decimal(units), fault
	}
	x, fast := d.float()
	if !fast {
		x, _ = strconv.ParseFloat(strings.Trim(string(text), blanks), 64) // written right, so that it can only be out of range
	}
	if math.Abs(x) > pipeline.MaxNumber {
		return Value{}, TooLarge
	}
	return Value{Number: x + 0}, None // -0 becomes 0
}

// float is the nearest float64 where two exact ones give it (W. D. Clinger, How to read floating point numbers accurately, 1990,
// https://doi.org/10.1145/93542.93557); false where that takes more.
func (d digits) float() (float64, bool) {
	if !d.exact || d.mantissa >= 1<<53 || d.exponent < -22 || d.exponent > 22 {
		return 0, false
	}
	x := float64(d.mantissa)
	if d.negative {
		x = -x
	}
	if d.exponent < 0 {
		return x / powers[-d.exponent], true
	}
	return x * powers[d.exponent], true
}

// units is the number in units of 10^-places, exactly.
func (d digits) units(places int, most uint64) (int64, Fault) {
	shift, units := d.exponent+places, d.mantissa
	switch {
	case units == 0:
		return 0, None
	case shift < 0:
		if !d.exact || -shift >= len(tens) || units%tens[-shift] != 0 {
			return 0, TooFine
		}
		units /= tens[-shift]
	default:
		if !d.exact || shift >= len(tens) {
			return 0, TooLarge
		}
		high, low := bits.Mul64(units, tens[shift])
		if high != 0 {
			return 0, TooLarge
		}
		units = low
	}
	if units > most {
		return 0, TooLarge
	}
	if d.negative {
		return -int64(units), None //nolint:gosec // most is at most math.MaxInt64
	}
	return int64(units), None //nolint:gosec // as above
}

// reduced is the number without zeros at its end: equal numbers are reduced to the same digits, where these are exact.
func (d digits) reduced() digits {
	if d.mantissa == 0 {
		return digits{exact: true}
	}
	for d.mantissa%10 == 0 {
		d.mantissa /= 10
		d.exponent++
	}
	return d
}

// tens are the powers of ten within 64 bits, powers those that are exact in a float64.
var (
	tens   [20]uint64
	powers [23]float64
)

func init() {
	for i := range tens {
		tens[i] = 1
		for range i {
			tens[i] *= 10
		}
	}
	for i := range powers {
		powers[i] = math.Pow10(i)
	}
}

// IsNumber says that a text is a number, however it is written.
func IsNumber(text string) bool {
	_, ok := scan(text)
	return ok
}
