package artifact

// Ref names an immutable object by where it is and what it holds. References, never rows, cross workflow borders.
type Ref struct {
	// URI is where the object is, for example s3://loanops/artifacts/sha256/ab/abcd….parquet.
	URI string `json:"uri"`
	// SHA256 is the lower-case hexadecimal digest of the bytes: the object's identity.
	SHA256 string `json:"sha256"`
	// Bytes is the object's size.
	Bytes int64 `json:"bytes"`
	// MediaType is what the bytes are, for example application/vnd.apache.parquet or text/html.
	MediaType string `json:"media_type"`
}
