package approval

import (
	"crypto/ed25519"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"regexp"

	"github.com/loanops/loanops/internal/fault"
)

// The types of PEM blocks, of PKCS #8 (RFC 5958) and SubjectPublicKeyInfo (RFC 8410).
const privateBlock, publicBlock = "PRIVATE KEY", "PUBLIC KEY"

// names is what an operator may be called: a name is a file's name as well.
var names = regexp.MustCompile(`^[a-z0-9][a-z0-9._-]{0,39}$`)

// CheckName refuses what no operator can be called.
func CheckName(name string) error {
	if !names.MatchString(name) {
		return fault.New(fault.Invalid, "%q cannot be an operator's name; at most 40 lower-case letters, digits, dots, dashes or underscores are wanted, such as ada or ada.lovelace", clip(name))
	}
	return nil
}

func clip(text string) string {
	const most = 40
	if runes := []rune(text); len(runes) > most {
		return string(runes[:most]) + "…"
	}
	return text
}

// EncodePrivateKey is the PEM of a key, to be kept where its owner alone can read it.
func EncodePrivateKey(key ed25519.PrivateKey) ([]byte, error) {
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return nil, fault.New(fault.Internal, "encoding a private key")
	}
	return pem.EncodeToMemory(&pem.Block{Type: privateBlock, Bytes: der}), nil
}

// DecodePrivateKey reads the PEM of an Ed25519 key. Its error repeats nothing of the data.
func DecodePrivateKey(data []byte) (ed25519.PrivateKey, error) {
	wrong := fault.New(fault.Invalid, "no Ed25519 private key in PKCS #8 PEM, as `loanops operators keygen` and `openssl genpkey -algorithm ed25519` write one")
	block, _ := pem.Decode(data)
	if block == nil || block.Type != privateBlock {
		return nil, wrong
	}
	parsed, err := x509.ParsePKCS8PrivateKey(block.Bytes)
	key, ok := parsed.(ed25519.PrivateKey)
	if err != nil || !ok {
		return nil, wrong
	}
	return key, nil
}

// EncodePublicKey is the PEM of a public key.
func EncodePublicKey(key ed25519.PublicKey) ([]byte, error) {
	der, err := x509.MarshalPKIXPublicKey(key)
	return pem.EncodeToMemory(&pem.Block{Type: publicBlock, Bytes: der}), fault.Wrap(fault.Internal, err, "encoding a public key")
}

// DecodePublicKey reads the PEM of an Ed25519 public key.
func DecodePublicKey(data []byte) (ed25519.PublicKey, error) {
	block, _ := pem.Decode(data)
	if block != nil && block.Type == privateBlock {
		return nil, fault.New(fault.Invalid, "a private key: keep it to yourself; the public key beside it is wanted")
	}
	wrong := fault.New(fault.Invalid, "no Ed25519 public key in PEM, as `loanops operators keygen` and `openssl pkey -pubout` write one")
	if block == nil || block.Type != publicBlock {
		return nil, wrong
	}
	parsed, err := x509.ParsePKIXPublicKey(block.Bytes)
	key, ok := parsed.(ed25519.PublicKey)
	if err != nil || !ok {
		return nil, wrong
	}
	return key, nil
}

// KeyText is a public key as statements have it.
func KeyText(key ed25519.PublicKey) string { return base64.StdEncoding.EncodeToString(key) }

// keyOf reads what KeyText wrote.
func keyOf(text string) (ed25519.PublicKey, error) {
	key, err := base64.StdEncoding.Strict().DecodeString(text)
	if err != nil || len(key) != ed25519.PublicKeySize || KeyText(key) != text {
		return nil, fault.New(fault.Invalid, "a public key that is not base64 of %d bytes", ed25519.PublicKeySize)
	}
	return key, nil
}

// Fingerprint is what two people compare of a public key: SHA-256 of its 32 bytes, in base64.
func Fingerprint(key ed25519.PublicKey) string {
	sum := sha256.Sum256(key)
	return "SHA256:" + base64.RawStdEncoding.EncodeToString(sum[:])
}
