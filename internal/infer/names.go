package infer

import (
	"slices"
	"strings"
	"unicode"
)

// wordsOf are the words of a column's name in lower case: LoanNr_ChkDgt is loan, nr, chk, dgt.
func wordsOf(name string) []string {
	var words []string
	var word []rune
	end := func() {
		if len(word) > 0 {
			words = append(words, strings.ToLower(string(word)))
		}
		word = word[:0]
	}
	letters := []rune(name)
	for i, r := range letters {
		switch {
		case !unicode.IsLetter(r) && !unicode.IsDigit(r):
			end()
			continue
		case i > 0 && unicode.IsUpper(r) && (unicode.IsLower(letters[i-1]) || unicode.IsUpper(letters[i-1]) && i+1 < len(letters) && unicode.IsLower(letters[i+1])),
			i > 0 && unicode.IsDigit(r) != unicode.IsDigit(letters[i-1]):
			end()
		}
		word = append(word, r)
	}
	end()
	return words
}

// named says that a name has one of the words.
func named(name string, words []string) bool {
	return slices.ContainsFunc(wordsOf(name), func(w string) bool { return slices.Contains(words, w) })
}

// says says that a name has one of some phrases: their words follow each other in it.
func says(words []string, phrases []string) bool {
	name := " " + strings.Join(words, " ") + " "
	return slices.ContainsFunc(phrases, func(phrase string) bool { return strings.Contains(name, " "+phrase+" ") })
}

var (
	dateWords = []string{"date", "day", "dt", "datum", "fecha"}
	// identifierWords stand anywhere in the name of an identifier, lastIdentifierWords at its end.
	identifierWords     = []string{"id", "ids", "uid", "uuid", "guid", "nr", "identifier"}
	lastIdentifierWords = []string{"no", "number", "num", "key", "ref", "reference", "row", "index"}
	// applicationWords are in the name of the day on which somebody applied, laterWords in that of a day after it.
	applicationWords = []string{"application", "appl", "applied", "request", "requested", "submission", "submitted", "approval", "approved", "origination", "originated", "issue", "issued", "decision", "created"}
	laterWords       = []string{"maturity", "end", "close", "closed", "chg", "charge", "chargeoff", "default", "outcome", "disbursement", "disbursed", "last", "next", "payment", "paid", "due", "final", "expiry", "update", "updated"}
)

// identifies says that a name looks like an identifier's.
func identifies(name string) bool {
	words := wordsOf(name)
	return named(name, identifierWords) || len(words) > 0 && slices.Contains(lastIdentifierWords, words[len(words)-1])
}
