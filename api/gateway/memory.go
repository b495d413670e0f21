package gateway

// memory is what is known of a track's latest answers, so that a client that repeats itself is counted once. Each part has its own room: rubbish
// must not drive out applications.
type memory struct {
	answered recent // the single applications that it decided
	refused  recent // the requests that it refused, byte by byte
}
