package clean

import "strings"

// boolean reads what is true or false.
func boolean(text string) (Value, Fault) {
	text = strings.Trim(text, blanks)
	switch {
	case text == "":
		return Value{}, NoBoolean
	case is(text, "true"), is(text, "t"), is(text, "yes"), is(text, "y"):
		return Value{Number: 1}, None
	case is(text, "false"), is(text, "f"), is(text, "no"), is(text, "n"):
		return Value{}, None
	}
	if d, ok := scan(text); ok && d.exact {
		switch d.reduced() {
		case digits{mantissa: 1, exact: true}:
			return Value{Number: 1}, None
		case digits{exact: true}:
			return Value{}, None
		}
	}
	return Value{}, NoBoolean
}

// is compares ASCII letters in either case; Unicode's folding would take ſ for s.
func is(text, word string) bool {
	if len(text) != len(word) {
		return false
	}
	for i := range len(word) {
		if text[i]|0x20 != word[i] {
			return false
		}
	}
	return true
}
