package ci

import (
	"encoding/json"
	"fmt"
	"maps"
	"math"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"

	"golang.org/x/text/unicode/norm"

	"github.com/loanops/loanops/internal/clean"
	"github.com/loanops/loanops/internal/pipeline"
	"github.com/loanops/loanops/internal/request"
	"github.com/loanops/loanops/internal/transform"
)

// written is one way to write a field that its schema admits.
type written struct {
	raw  string // JSON; empty: the field is left out
	kind string // what it is, for people
	// declared: the spec names the value, or the bounds between which it lies, so that no cleaning may make it missing where one is required. Of an open
	// category and of a number without bounds a value may be a code that stands for none.
	declared bool
}

func (w written) words() string {
	if w.raw == "" {
		return w.kind
	}
	return fmt.Sprintf("%s (%s)", w.raw, w.kind)
}

// randomValues is how many values of a field are drawn beside those at its borders.
const randomValues = 40

// admissible are values that a field admits, each as it would be sent: the clean ones that its domain or bounds declare, and the raw ones of which its
// cleaning steps make those. The first is an ordinary one.
func admissible(f *request.Field, random *rand.Rand) (values []written) {
	var clean []transform.Value
	switch {
	case f.Type == pipeline.Category && len(f.Domain) > 0:
		for _, text := range f.Domain {
			values = append(values, written{quoted(text), "a value of its domain", true})
			clean = append(clean, transform.Value{Text: text})
		}
	case f.Type == pipeline.Category:
		values = openTexts(random)
		clean = []transform.Value{{Text: "a text"}, {Text: "word"}, {Text: "WORD"}}
	case f.Type == pipeline.Boolean:
		values = []written{{"true", "true", true}, {"false", "false", true}}
	default:
		values, clean = numbersOf(f, random)
	}
	for i := range f.Clean {
		for _, w := range rawForms(f, i, clean) {
			w.declared = declares(f)
			values = append(values, w)
		}
	}
	if f.Nullable {
		values = append(values, written{"null", "missing", true}, written{"", "left out", true})
	}
	return values
}

// declares says that the spec names every value of a field, or bounds it either way.
func declares(f *request.Field) bool {
	return f.Type == pipeline.Boolean || len(f.Domain) > 0 || f.Min != nil && f.Max != nil
}

// openTexts are texts of a category without a domain: the shortest, the longest, those that other programs stumble over, and random ones.
func openTexts(random *rand.Rand) []written {
	var values []written
	add := func(kind string, texts ...string) {
		for _, text := range texts {
			values = append(values, written{raw: quoted(text), kind: kind})
		}
	}
	add("a text", "unseen so far")
	add("a text of one letter", "a", "é", "本", "🙂")
	add("the longest text", strings.Repeat("x", request.MaxTextBytes), strings.Repeat("é", request.MaxTextBytes/2))
	add("a text that looks like something else", "0", "-1", "NaN", "null", "true", "1e400", "[]", `"`, `\`, "a,b", "';--")
	add("a text of accents apart from their letters", "e\u0301te\u0301")
	add("a text from right to left", "\u05d0\u05d1\u202e")
	for len(values) < randomValues {
		if text := randomText(random); strings.TrimSpace(text) != "" {
			add("a random text", text)
		}
	}
	return values
}

// randomText is one to twelve characters of all planes, in the composed form.
func randomText(random *rand.Rand) string {
	var text strings.Builder
	for range 1 + random.IntN(12) {
		limits := []rune{0x7f, 0x24f, 0xd7ff, 0x2fa1f}
		r := 0x20 + random.Int32N(limits[random.IntN(len(limits))]-0x20)
		if r >= 0xd800 && r <= 0xdfff { // no characters
			r = 'x'
		}
		text.WriteRune(r)
	}
	return norm.NFC.String(text.String())
}

// numbersOf are numbers of a quantity: an ordinary one, its borders and both sides near them, what is tiny, and random ones. clean are some of them.
func numbersOf(f *request.Field, random *rand.Rand) (values []written, clean []transform.Value) {
	step := 0.0
	low, high := -pipeline.MaxNumber, pipeline.MaxNumber
	switch f.Type {
	case pipeline.Integer:
		low, high, step = -(1<<63 - 1024), 1<<63-1024, 1 // the largest float64 within 64 bits
	case pipeline.Decimal:
		high = math.Pow10(pipeline.DecimalDigits-pipeline.DecimalPlaces) - 1
		low, step = -high, math.Pow10(-pipeline.DecimalPlaces)
	}
	kindLow, kindHigh := "the smallest that any number is", "the largest that any number is"
	if f.Min != nil {
		low, kindLow = *f.Min, "its min"
	}
	if f.Max != nil {
		high, kindHigh = *f.Max, "its max"
	}
	declared := declares(f)
	add := func(kind string, x float64) {
		if f.Admits(transform.Value{Number: x}) {
			values = append(values, written{quoted(x), kind, declared})
			clean = append(clean, transform.Value{Number: x})
		}
	}
	add("an ordinary number", ordinary(f, low, high))
	add(kindLow, low)
	add(kindHigh, high)
	if step == 0 {
		add("just above "+kindLow, math.Nextafter(low, math.Inf(1)))
		add("just below "+kindHigh, math.Nextafter(high, math.Inf(-1)))
	} else {
		add("just above "+kindLow, low+step)
		add("just below "+kindHigh, high-step)
	}
	for _, x := range []float64{0, 1, -1, 1e-300, math.SmallestNonzeroFloat64, -math.SmallestNonzeroFloat64, 0.5, 1234.5, 1 << 53} {
		add("a number", x)
	}
	if f.Admits(transform.Value{}) {
		values = append(values, written{"-0", "minus nothing", declared})
	}
	if x := ordinary(f, low, high); x == math.Trunc(x) && math.Abs(x) < 1e15 && f.Admits(transform.Value{Number: x}) {
		values = append(values, written{strconv.FormatFloat(x, 'f', 1, 64), "a whole number with a point", declared}, written{strconv.FormatFloat(x, 'e', -1, 64), "a number with an exponent", declared})
	}
	for range randomValues {
		add("a random number", drawn(f.Type, low, high, random))
	}
	return values, clean
}

// ordinary is a number well within the bounds.
func ordinary(f *request.Field, low, high float64) float64 {
	switch {
	case f.Min == nil && f.Max == nil:
		return 1
	case f.Min == nil:
		return high
	case f.Max == nil:
		return low
	}
	return rounded(f.Type, low/2+high/2)
}

// drawn is a number between the bounds: of all of them, or of those near 0, where most are.
func drawn(of pipeline.ColumnType, low, high float64, random *rand.Rand) float64 {
	x := low + random.Float64()*(high-low)
	if random.IntN(2) == 0 {
		x = max(low, min(high, random.NormFloat64()*math.Pow(10, float64(random.IntN(8)))))
	}
	return rounded(of, x)
}

// rounded is the nearest number that the type has.
func rounded(of pipeline.ColumnType, x float64) float64 {
	switch of {
	case pipeline.Integer:
		return math.Trunc(x)
	case pipeline.Decimal:
		return math.Trunc(x*100) / 100
	}
	return x
}

// rawForms are raw values of which step i of a field's cleaning makes clean ones, where no step before it changes them.
func rawForms(f *request.Field, i int, of []transform.Value) (forms []written) {
	step := &f.Clean[i]
	add := func(kind, text string) {
		if f.TakesTexts() && untouched(f, i, text) {
			forms = append(forms, written{raw: quoted(text), kind: fmt.Sprintf("%s, for %s", kind, step.Kind())})
		}
	}
	for _, v := range of[:min(len(of), 20)] {
		text, ok := textOf(f, v)
		if !ok {
			continue
		}
		switch {
		case step.Trim != nil:
			add("with blanks around it", " "+text+" \t")
		case step.Case != nil:
			to := map[string]func(string) string{"lower": strings.ToLower, "upper": strings.ToUpper}[step.Case.To]
			for _, other := range []string{strings.ToUpper(text), strings.ToLower(text), alternating(text)} {
				if other != text && to(other) == text {
					add("in another case", other)
				}
			}
		case step.Amount != nil:
			for _, amount := range amounts(step.Amount, v.Number) {
				add("an amount", amount)
			}
		}
	}
	switch {
	case step.Map != nil:
		for _, from := range slices.Sorted(maps.Keys(step.Map.Values)) {
			if good(f, step.Map.Values[from]) {
				add("a text that is mapped", from)
			}
		}
	case step.Missing != nil && f.Nullable:
		for _, code := range step.Missing.Codes {
			add("a code for a missing value", code)
			if f.Type.Quantity() && json.Valid([]byte(code)) && clean.IsNumber(code) {
				forms = append(forms, written{raw: code, kind: "a code for a missing value"})
			}
		}
	case step.Clip != nil && f.Type.Quantity() && len(f.Clean) == i+1:
		forms = append(forms, clipped(f, step.Clip)...)
	}
	return forms
}

// clipped are numbers beyond the bounds to which a clip moves them, where these are good.
func clipped(f *request.Field, c *pipeline.Clip) (forms []written) {
	if slices.ContainsFunc(f.Clean[:len(f.Clean)-1], func(s pipeline.CleanStep) bool { return s.Clip != nil }) {
		return nil // moved by another one before
	}
	far := float64(1 << 40)
	for _, side := range []struct {
		bound *float64
		x     float64
	}{{c.Max, far}, {c.Min, -far}} {
		if side.bound != nil && f.Admits(transform.Value{Number: *side.bound}) && math.Abs(*side.bound) < far {
			forms = append(forms, written{raw: quoted(side.x), kind: "far beyond a bound, for clip"})
		}
	}
	return forms
}

// untouched says that a text comes to step i as it was sent.
func untouched(f *request.Field, i int, text string) bool {
	cleaner, err := clean.New(f.Clean[:i], f.Name, pipeline.Category)
	if err != nil {
		return i == 0 // an amount before it reads numbers alone
	}
	v, wrong := cleaner.Clean(text)
	return wrong == clean.None && v.Text == norm.NFC.String(text)
}

// good says that a text is a value that the field's domain or bounds declare.
func good(f *request.Field, text string) bool {
	if text == "" {
		return f.Nullable
	}
	cleaner, err := clean.New(nil, f.Name, f.Type)
	if err != nil {
		return false
	}
	v, wrong := cleaner.Clean(text)
	return wrong == clean.None && f.Admits(transform.Value{Number: v.Number, Text: v.Text, Missing: v.Missing})
}

// amounts are a number as a step of amounts reads it: with separators, with the currency before and after it, negative in parentheses.
func amounts(a *pipeline.Amount, x float64) []string {
	if math.Abs(x) > 1e12 || x != 0 && math.Abs(x) < 1e-3 {
		return nil
	}
	thousands, decimal := a.Separators()
	whole, fraction, _ := strings.Cut(strconv.FormatFloat(math.Abs(x), 'f', -1, 64), ".")
	grouped := ""
	for len(whole) > 3 {
		grouped, whole = thousands+whole[len(whole)-3:]+grouped, whole[:len(whole)-3]
	}
	text := whole + grouped
	if fraction != "" {
		text += decimal + fraction
	}
	if x < 0 {
		return []string{"(" + a.Currency + text + ")", "-" + text}
	}
	return []string{text, a.Currency + text, text + " " + a.Currency}
}

// textOf is a clean value as a text; false where none of the field's amounts can be so large or small.
func textOf(f *request.Field, v transform.Value) (string, bool) {
	if f.Type == pipeline.Category {
		return v.Text, true
	}
	for _, step := range f.Clean {
		if step.Amount != nil {
			texts := amounts(step.Amount, v.Number)
			return strings.Join(texts[:min(len(texts), 1)], ""), len(texts) > 0
		}
	}
	return strconv.FormatFloat(v.Number, 'f', -1, 64), true
}

// alternating puts every second letter into upper case.
func alternating(text string) string {
	runes := []rune(strings.ToLower(text))
	for i := 0; i < len(runes); i += 2 {
		runes[i] = []rune(strings.ToUpper(string(runes[i])))[0]
	}
	return string(runes)
}
