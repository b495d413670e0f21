package webhook

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"strconv"
	"strings"

	"github.com/loanops/loanops/internal/fault"
)

// secretPrefix begins a secret of Standard Webhooks.
const secretPrefix = "whsec_"

// The bounds of a key, in bytes, as Standard Webhooks has them.
const leastKey, mostKey = 24, 64

// ParseSecret reads a key written as whsec_ and base64, of 24 to 64 bytes.
func ParseSecret(text string) ([]byte, error) {
	encoded, ok := strings.CutPrefix(strings.TrimSpace(text), secretPrefix)
	key, err := base64.StdEncoding.DecodeString(encoded)
	if !ok || err != nil || len(key) < leastKey || len(key) > mostKey {
		return nil, fault.New(fault.Invalid, "whsec_ and %d to %d random bytes in base64 are wanted, as of: echo whsec_$(openssl rand -base64 32)", leastKey, mostKey)
	}
	return key, nil
}

// sign is the webhook-signature of a body that is sent at a time, in seconds since 1970:
//
//	v1,base64(HMAC-SHA256(key, id.time.body))
//
// See https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md.
func sign(key []byte, id string, at int64, body []byte) string {
	mac := hmac.New(sha256.New, key)
	_, _ = mac.Write([]byte(id + "." + strconv.FormatInt(at, 10) + ".")) // neither ever fails
	_, _ = mac.Write(body)
	return "v1," + base64.StdEncoding.EncodeToString(mac.Sum(nil))
}
