package clean

import (
	"strings"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"
)

// proper is the text in Unicode's composed form, or what is wrong with it.
func proper(text string) (string, Fault) {
	if strings.IndexByte(text, 0) >= 0 {
		return "", HasNUL
	}
	if ascii(text) {
		return text, None
	}
	if !utf8.ValidString(text) {
		return "", NotUTF8
	}
	return norm.NFC.String(text), None
}

// composed puts what steps have made of a text into the composed form again: a letter in the other case may be made of two.
func composed(text string) string {
	if ascii(text) {
		return text
	}
	return norm.NFC.String(text)
}

// ascii: most texts are, and are composed as they stand.
func ascii(text string) bool {
	var all byte
	for i := range len(text) {
		all |= text[i]
	}
	return all < utf8.RuneSelf
}
