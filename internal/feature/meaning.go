package feature

import (
	"encoding/json"

	"github.com/loanops/loanops/internal/sha256hex"
)

// Meaning is the digest of what a definition means: SHA-256 over its JSON without what only says to people what it is. That is its description, owner and
// tags and those of its features, reasons, the promised freshness, and defaults, which belong to whoever serves. Units are meaning: another unit is
// another number. Of a view in SQL the versions that it reads are meaning, as far as From names them: the same query over other rows has other rows.
func Meaning(definition any) string {
	switch d := definition.(type) {
	case *Entity:
		bare := *d
		bare.About = About{}
		definition = bare
	case *View:
		definition = d.bare()
	case *Expression:
		bare := *d
		bare.About, bare.Reason = About{}, ""
		definition = bare
	case *Service:
		bare := *d
		bare.About = About{}
		definition = bare
	default:
		panic("feature: the meaning of what is no definition")
	}
	return sha256hex.Of(documentOf(definition))
}

// bare is a view without what is no meaning.
func (v *View) bare() View {
	bare := *v
	bare.About, bare.Freshness = About{}, 0
	bare.Features = make([]Feature, len(v.Features))
	for i, f := range v.Features {
		f.About, f.Reason, f.Default = About{}, "", nil
		bare.Features[i] = f
	}
	bare.Columns = append(bare.Columns[:0:0], v.Columns...)
	for i := range bare.Columns {
		bare.Columns[i].Reason = ""
	}
	return bare
}

// documentOf is a definition as JSON: keys in the order of its fields, those of maps sorted, so that equal definitions are equal texts.
func documentOf(definition any) []byte {
	data, err := json.Marshal(definition)
	if err != nil {
		panic("feature: a definition that is no JSON: " + err.Error())
	}
	return data
}
