package request

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// What a json.Decoder says of the same bytes is what is wanted.
var objects = []string{
	`{}`, ` { } `, `{"a":1}`, "\n{ \"a\" :\t[1, 2 , {\"b\": \"}]\\\"\"}] , \"a\":null }\r\n", `{"a":"\\","b":"\"","c":"\\\""}`, `{"é":true,"\u00e9":false,"":-1.5e3}`,
	"{\"\xff\":1}", "{\"a\":\"\xff\"}", `{"a":{"b":{}},"c":[]}`, `{"a":1,}`, `{,}`, `{"a"}`, `{"a":}`, `{a:1}`, `{"a":1} {"b":2}`, `{"a":1}]`, `{"a":1`, `[]`, `[1`, `1`, `"a"`, `null`, ``, ` `, `{"a":01}`, `{"a":"` + "\n" + `"}`,
	strings.Repeat(`{"a":`, 200) + "1" + strings.Repeat("}", 200), `{"a":1x}`, `{"a" 1}`, `{"\ud800":1}`,
}

func FuzzObject(f *testing.F) {
	for _, text := range objects {
		f.Add([]byte(text))
	}
	f.Fuzz(func(t *testing.T, raw []byte) {
		want, wrong := decoded(raw)
		got, err := Object(raw)
		require.Equal(t, wrong, err)
		if len(want) == 0 {
			require.Empty(t, got)
			return
		}
		require.Equal(t, want, got)
	})
}

func BenchmarkObject(b *testing.B) {
	raw := json.RawMessage(`{"features":["` + strings.Repeat(`view:feature","`, 20) + `view:feature"],"entities":{"applicant_id":["a-17"]}}`)
	b.SetBytes(int64(len(raw)))
	b.ReportAllocs()
	for b.Loop() {
		_, _ = Object(raw)
	}
}
