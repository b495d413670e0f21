package request

import (
	"encoding/json"
	"regexp"
	"strings"
	"unicode"
	"unicode/utf8"
)

// MaxText is how many bytes the text of a key, or of an ID, has at most.
const MaxText = 200

// PlainText is a JSON text that can be a key of an entity, or an ID: 1 to MaxText bytes of UTF-8 without control characters.
func PlainText(raw json.RawMessage) (text string, ok bool) {
	if len(raw) == 0 || raw[0] != '"' || !utf8.Valid(raw) || json.Unmarshal(raw, &text) != nil {
		return "", false
	}
	return text, text != "" && len(text) <= MaxText && strings.IndexFunc(text, unicode.IsControl) < 0
}

var wholeNumber = regexp.MustCompile(`^(0|-?[1-9][0-9]{0,18})$`)

// KeyText is the text of an entity's key: a whole number is the text of its digits, as in a file of rows.
func KeyText(raw json.RawMessage) (text string, ok bool) {
	if wholeNumber.Match(raw) {
		return string(raw), true
	}
	return PlainText(raw)
}

// nameOf is KeyText of a field of an application; empty of what names nobody.
func nameOf(raw json.RawMessage) string {
	text, ok := KeyText(raw)
	if !ok {
		return ""
	}
	return text
}
