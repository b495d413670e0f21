package model

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"math"
	"slices"

	"github.com/loanops/loanops/internal/fault"
	"github.com/loanops/loanops/internal/pipeline"
	"github.com/loanops/loanops/internal/request"
	"github.com/loanops/loanops/internal/sha256hex"
	"github.com/loanops/loanops/internal/transform"
)

// A bundle is: the magic, the manifest's length (uint32), the manifest (JSON), then three arrays of little-endian
// float64: the intercept, the coefficients and the background, as many as the manifest says.
const (
	magic = "LOANOPS1"
	// MaxBundleBytes bounds what Decode reads: a thousand encoded columns take 50 KB.
	MaxBundleBytes = 64 << 20
	maxWidth       = 1 << 20
)

// manifest is the readable part of a bundle.
type manifest struct {
	Name      string            `json:"name"`
	Estimator string            `json:"estimator"`
	Contract  request.Contract  `json:"contract"`
	Encoder   transform.Encoder `json:"encoder"`
	Width     int               `json:"width"`
}

// Digest is the bundle's identity: its SHA-256 in lower-case hexadecimal.
func Digest(bundle []byte) string { return sha256hex.Of(bundle) }

// Encode returns the bundle. The same model gives the same bytes.
func (m *Model) Encode() ([]byte, error) {
	if err := m.check(); err != nil {
		return nil, err
	}
	header, err := json.Marshal(manifest{Name: m.Name, Estimator: "logistic", Contract: m.Contract, Encoder: m.Encoder, Width: len(m.Coefficients)})
	if err != nil {
		return nil, fault.Wrap(fault.Internal, err, "model %s: manifest", m.Name)
	}
	var out bytes.Buffer
	out.WriteString(magic)
	out.Write(binary.LittleEndian.AppendUint32(nil, uint32(len(header))))
	out.Write(header)
	for _, array := range [][]float64{{m.Intercept}, m.Coefficients, m.Background} {
		for _, value := range array {
			out.Write(binary.LittleEndian.AppendUint64(nil, math.Float64bits(value)))
		}
	}
	return out.Bytes(), nil
}

// Decode reads a bundle whose SHA-256 must be digest: the digest is checked before anything else is looked at. Every
// fault is Invalid.
func Decode(bundle []byte, digest string) (*Model, error) {
	if got := Digest(bundle); got != digest {
		return nil, fault.New(fault.Invalid, "the bundle's SHA-256 is %s, %s is wanted: the file was changed or is another one", got, digest)
	}
	return decode(bundle)
}

func decode(bundle []byte) (*Model, error) {
	if len(bundle) > MaxBundleBytes {
		return nil, fault.New(fault.Invalid, "the bundle has %d bytes, at most %d are read", len(bundle), MaxBundleBytes)
	}
	rest, ok := bytes.CutPrefix(bundle, []byte(magic))
	if !ok || len(rest) < 4 {
		return nil, fault.New(fault.Invalid, "not a model bundle of version 1")
	}
	length := int64(binary.LittleEndian.Uint32(rest))
	rest = rest[4:]
	if length > int64(len(rest)) {
		return nil, fault.New(fault.Invalid, "the bundle is cut off in its manifest")
	}
	var head manifest
	if err := json.Unmarshal(rest[:length], &head); err != nil {
		return nil, fault.New(fault.Invalid, "the bundle's manifest is not readable")
	}
	rest = rest[length:]
	if head.Estimator != "logistic" {
		return nil, fault.New(fault.Invalid, "the bundle's estimator is not known to this version")
	}
	if head.Width < 1 || head.Width > maxWidth || len(rest) != 8*(1+2*head.Width) {
		return nil, fault.New(fault.Invalid, "the bundle's arrays do not have the manifest's width")
	}
	numbers := make([]float64, 1+2*head.Width)
	for i := range numbers {
		numbers[i] = math.Float64frombits(binary.LittleEndian.Uint64(rest[8*i:]))
	}
	m := &Model{
		Name: head.Name, Contract: head.Contract, Encoder: head.Encoder, Intercept: numbers[0],
		Coefficients: numbers[1 : 1+head.Width], Background: numbers[1+head.Width:],
	}
	return m, m.check()
}

// check holds what Score relies on.
func (m *Model) check() error {
	e := &m.Encoder
	if len(e.Fields) == 0 || len(e.Scales) != len(e.Fields) {
		return fault.New(fault.Invalid, "the bundle has %d fields and %d scales", len(e.Fields), len(e.Scales))
	}
	for i := range e.Fields {
		f := &e.Fields[i]
		if !f.Type.Numeric() && (f.Type != pipeline.Category || len(f.Levels) == 0) {
			return fault.New(fault.Invalid, "the bundle's field %d has no usable type", i)
		}
		if s := e.Scales[i]; !finite(s.Mean) || !finite(s.SD) || s.SD == 0 {
			return fault.New(fault.Invalid, "the bundle's field %d has no usable scale", i)
		}
	}
	if err := m.checkContract(); err != nil {
		return err
	}
	if width := e.Width(); width != len(m.Coefficients) || width != len(m.Background) {
		return fault.New(fault.Invalid, "the bundle's fields take %d columns, its arrays %d and %d", width, len(m.Coefficients), len(m.Background))
	}
	for _, array := range [][]float64{{m.Intercept}, m.Coefficients, m.Background} {
		for _, value := range array {
			if !finite(value) {
				return fault.New(fault.Invalid, "the bundle holds a number that is not finite")
			}
		}
	}
	return nil
}

// checkContract holds what turns a request into a row: every field that the model reads is declared, and what may be sent in it can be encoded.
func (m *Model) checkContract() error {
	seen := map[string]bool{}
	for i := range m.Contract.Fields {
		f := &m.Contract.Fields[i]
		if seen[f.Name] || (!f.Type.Numeric() && f.Type != pipeline.Category) {
			return fault.New(fault.Invalid, "the bundle's contract has a field %d that is declared twice or of no usable type", i)
		}
		seen[f.Name] = true
	}
	for i := range m.Contract.Added {
		c := &m.Contract.Added[i]
		if at := m.Contract.Index(c.Name); at >= 0 && m.Contract.Store.Given && c.Feature != "" {
			f := &m.Contract.Fields[at]
			seen[c.Name] = !f.Nullable || f.Type != c.Type // as a field it is of its own type and may be left out
		}
		if seen[c.Name] || (!c.Type.Numeric() && c.Type != pipeline.Category) {
			return fault.New(fault.Invalid, "the bundle's contract adds a column %d that is there already or of no usable type", i)
		}
		seen[c.Name] = true
	}
	if _, err := request.NewApplications(m.Contract, m.Encoder.Fields); err != nil {
		return fault.Wrap(fault.Invalid, err, "the bundle's contract")
	}
	for i := range m.Encoder.Fields {
		f := &m.Encoder.Fields[i]
		declared, there := m.Contract.Column(f.Name)
		if !there || declared.Type != f.Type {
			return fault.New(fault.Invalid, "the bundle's field %d is not as its contract declares it", i)
		}
		unknown := func(value string) bool { return !slices.Contains(f.Levels, value) }
		closed := f.Type == pipeline.Category && !f.Open
		if (declared.Nullable && !f.Nullable) || (closed && (len(declared.Domain) == 0 || slices.ContainsFunc(declared.Domain, unknown))) {
			return fault.New(fault.Invalid, "the bundle's contract admits what its field %d cannot be encoded from", i)
		}
	}
	return nil
}

func finite(x float64) bool { return !math.IsNaN(x) && !math.IsInf(x, 0) }
