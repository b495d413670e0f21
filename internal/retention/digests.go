package retention

// digestLength is that of a SHA-256 in hexadecimal.
const digestLength = 64

// Digests are the texts in data that have the form of a digest: 64 lower-case hexadecimal digits with none before or after them. What names an
// object does so by its digest, in a reference, a manifest or a URI, so that whoever keeps these keeps all that data name. Each is told once, in the
// order of its first place.
func Digests(data []byte) []string {
	var found []string
	told := map[string]bool{}
	for from := 0; from < len(data); from++ {
		to := from
		for to < len(data) && hexadecimal(data[to]) {
			to++
		}
		if to-from == digestLength {
			if digest := string(data[from:to]); !told[digest] {
				told[digest] = true
				found = append(found, digest)
			}
		}
		from = to
	}
	return found
}

func hexadecimal(c byte) bool { return c >= '0' && c <= '9' || c >= 'a' && c <= 'f' }
