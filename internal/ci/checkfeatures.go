package ci

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math"
	"slices"

	"github.com/loanops/loanops/internal/expression"
	"github.com/loanops/loanops/internal/pipeline"
	"github.com/loanops/loanops/internal/request"
	"github.com/loanops/loanops/internal/transform"
)

// CheckFeatures runs the feature tests of a repository through what a training fitted on its sample and what a predictor reads requests by: the encoder
// and the contract of the sample's model. Without tests it is not applicable.
func CheckFeatures(r Repository, encoder transform.Encoder, contract request.Contract) Report {
	var report Report
	cases, failed := 0, 0
	for _, file := range r.TestFiles {
		for i := range file.Cases {
			c := &file.Cases[i]
			reasons := featureTest{c: c, contract: contract, encoder: encoder}.run()
			verdict := "as expected"
			if len(reasons) > 0 {
				verdict = "not as expected"
				failed++
			}
			for _, reason := range reasons {
				report.Reasons = append(report.Reasons, fmt.Sprintf("%s:%d: case %q: %s", file.Path, reason.line, c.Name, reason.text))
			}
			report.Log = append(report.Log, fmt.Sprintf("%s:%d: %s: %s", file.Path, c.Line, c.Name, verdict))
			cases++
		}
	}
	switch {
	case cases == 0:
		return Report{Status: NotApplicable, Summary: "there are no feature tests: write " + usualTests}
	case failed > 0:
		report.Status, report.Summary = Refused, fmt.Sprintf("%d of %s not as expected", failed, count(cases, "case"))
	default:
		report.Status, report.Summary = Passed, count(cases, "case")+" as expected"
	}
	return report
}

// featureTest is one case against one encoder.
type featureTest struct {
	c        *Case
	contract request.Contract
	encoder  transform.Encoder
}

// failure is what is not as expected, and the line that expects it.
type failure struct {
	line int
	text string
}

// run gives what is not as expected; nothing where all is.
func (t featureTest) run() []failure {
	narrow, encoder := t.looked()
	here := func(format string, args ...any) []failure {
		return []failure{{t.c.Line, fmt.Sprintf(format, args...)}}
	}
	applications, err := request.NewApplications(narrow, encoder.Fields)
	if err != nil {
		return here("%s", err)
	}
	whole, err := request.NewApplications(narrow, everyColumn(narrow))
	if err != nil {
		return here("%s", err)
	}
	read, complaints, err := applications.Read(t.sent())
	if err != nil {
		return here("%s", err)
	}
	found, unknown, err := t.found(applications.Features())
	if err != nil {
		return here("%s", err)
	}
	if narrow.Store.Missing == pipeline.RefuseDecision {
		for _, name := range unknown {
			complaints = append(complaints, request.FieldComplaint{Field: name, Complaint: request.Complaint{
				Rule: request.Required, Text: "the case gives no value of it, and feature_store.missing refuses an application of which it is not known",
			}})
		}
	}
	if t.c.Refused != "" {
		return t.refused(complaints)
	}
	if len(complaints) > 0 {
		c := complaints[0]
		return here("the row is refused for %q: %s", c.Field, c.Text)
	}
	row := applications.Row(read, found)
	encoded := make([]float64, encoder.Width())
	if err := encoder.Encode(row, encoded); err != nil {
		return here("%s", err)
	}
	for field := range encoder.Fields {
		if _, text := batchDiffers(transform.EncodeBatch, &encoder, field, row[field:field+1], [][]float64{encoded}); text != "" {
			return here("%s", text)
		}
	}
	var failures []failure
	columns, values := everyColumn(narrow), whole.Row(read, found)
	for _, e := range t.c.Expect {
		at := slices.IndexFunc(columns, func(f transform.Field) bool { return f.Name == e.Field })
		if text := e.wrong(values[at], encoder, encoded); text != "" {
			failures = append(failures, failure{e.Line, text})
		}
	}
	return failures
}

// everyColumn are all columns of a contract, as a model would read them that reads all.
func everyColumn(c request.Contract) (fields []transform.Field) {
	for i := range c.Fields {
		fields = append(fields, transform.Field{Name: c.Fields[i].Name, Type: c.Fields[i].Type})
	}
	for i := range c.Added {
		fields = append(fields, transform.Field{Name: c.Added[i].Name, Type: c.Added[i].Type})
	}
	return fields
}

// found are the values of features that the case gives, and the names of those that it does not.
func (t featureTest) found(features []pipeline.Column) (found []transform.Value, unknown []string, err error) {
	for i := range features {
		value := transform.Value{Missing: true}
		if at := slices.IndexFunc(t.c.Known, func(s Sent) bool { return s.Field == features[i].Name }); at >= 0 {
			reader, err := storeReader(&features[i])
			if err != nil {
				return nil, nil, err
			}
			value, _ = reader.Read(t.c.Known[at].Value) // it was good when the file was read
		}
		if found = append(found, value); value.Missing {
			unknown = append(unknown, features[i].Name)
		}
	}
	return found, unknown, nil
}

// looked are the contract and the encoder of the fields that the case names, of what these are computed of, and of no other.
func (t featureTest) looked() (request.Contract, transform.Encoder) {
	names := map[string]bool{}
	var name func(field string)
	name = func(field string) {
		if names[field] {
			return
		}
		names[field] = true
		for i := range t.contract.Added {
			if c := &t.contract.Added[i]; c.Name == field && c.Expression != "" {
				reads, _ := expression.Check(c.Expression, nil, c.Type) // one that does not compile is told of by whoever compiles it
				for _, read := range reads {
					name(read)
				}
			}
		}
	}
	for _, s := range slices.Concat(t.c.Row, t.c.Known) {
		name(s.Field)
	}
	for _, e := range t.c.Expect {
		name(e.Field)
	}
	name(t.c.Refused)
	contract := request.Contract{Store: t.contract.Store}
	for _, f := range t.contract.Fields {
		if names[f.Name] {
			contract.Fields = append(contract.Fields, f)
		}
	}
	for _, c := range t.contract.Added {
		if names[c.Name] {
			contract.Added = append(contract.Added, c)
		}
	}
	var encoder transform.Encoder
	for i, f := range t.encoder.Fields {
		if names[f.Name] {
			encoder.Fields, encoder.Scales = append(encoder.Fields, f), append(encoder.Scales, t.encoder.Scales[i])
		}
	}
	return contract, encoder
}

// sent is the row as a client would send it.
func (t featureTest) sent() json.RawMessage {
	var out bytes.Buffer
	out.WriteByte('{')
	for i, s := range t.c.Row {
		if i > 0 {
			out.WriteByte(',')
		}
		out.WriteString(quoted(s.Field) + ":")
		out.Write(s.Value)
	}
	out.WriteByte('}')
	return out.Bytes()
}

// refused: the row must be refused for the field, and for no other, or the case would be as expected for another reason than its own.
func (t featureTest) refused(complaints []request.FieldComplaint) (failures []failure) {
	as := false
	for _, c := range complaints {
		if c.Field == t.c.Refused {
			as = true
			continue
		}
		failures = append(failures, failure{t.c.Line, fmt.Sprintf("the row is refused for %q: %s", c.Field, c.Text)})
	}
	if !as {
		failures = append(failures, failure{t.c.Line, fmt.Sprintf("the row is not refused for %q, and should be", t.c.Refused)})
	}
	return failures
}

// wrong says how a field's clean value or encoded columns are not as expected; empty where they are.
func (e *Expectation) wrong(value transform.Value, encoder transform.Encoder, encoded []float64) string {
	if e.Aspect == Clean {
		return e.wrongClean(value)
	}
	at := slices.IndexFunc(encoder.Fields, func(f transform.Field) bool { return f.Name == e.Field })
	if at < 0 {
		return fmt.Sprintf("the model does not read %q, so that nothing of it is encoded", e.Field)
	}
	f := &encoder.Fields[at]
	from, to := encoder.Span(at)
	place := from // of a number: its column is the field's first
	switch e.Aspect {
	case Unseen:
		if level := slices.IndexFunc(encoded[from:to], func(x float64) bool { return x != 0 }); level >= 0 {
			return fmt.Sprintf("%s is not unseen: %s is 1", e.Field, columnName(f, level))
		}
		return ""
	case Missing:
		if !f.Nullable {
			return fmt.Sprintf("the model has no column %s", e.Column)
		}
		place = to - 1
	case Level:
		level := slices.Index(f.Levels, e.Level)
		if level < 0 {
			return fmt.Sprintf("there is no column %s: the sample holds no such value; its levels are %s", e.Column, some(f.Levels))
		}
		place = from + level
	}
	if got := encoded[place]; !near(got, e.Number, e.Tolerance) {
		return fmt.Sprintf("%s is %v, wanted %v", e.Column, got, e.Number)
	}
	return ""
}

// wrongClean says how a clean value is not as expected.
func (e *Expectation) wrongClean(value transform.Value) string {
	var got, wanted string
	switch {
	case value.Missing:
		got = "missing"
	case e.Text != nil || value.Text != "":
		got = quoted(value.Text)
	default:
		got = fmt.Sprint(value.Number)
	}
	switch {
	case e.Null:
		wanted = "missing"
	case e.Text != nil:
		wanted = quoted(*e.Text)
	default:
		wanted = fmt.Sprint(e.Number)
	}
	if got == wanted || !e.Null && e.Text == nil && !value.Missing && near(value.Number, e.Number, e.Tolerance) {
		return ""
	}
	return fmt.Sprintf("%s is %s after cleaning, wanted %s", e.Field, got, wanted)
}

func near(got, wanted, tolerance float64) bool { return math.Abs(got-wanted) <= tolerance }

// columnName is an encoded column of a field, as people read it.
func columnName(f *transform.Field, column int) string {
	switch {
	case f.Type == pipeline.Category && column < len(f.Levels):
		return f.Name + "=" + f.Levels[column]
	case f.Type != pipeline.Category && column == 0:
		return f.Name
	}
	return f.Name + missingColumn
}
