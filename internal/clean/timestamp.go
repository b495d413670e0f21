package clean

// timestamp reads an instant with its zone.
func timestamp(text string) (Value, Fault) {
	if len(text) < len("2026-06-30T15:04:05") || (text[10]|0x20 != 't' && text[10] != ' ') || text[13] != ':' || text[16] != ':' {
		return Value{}, NoTimestamp
	}
	day, ok := isoDay(text[:10])
	hour, _, okHour := figures(text[11:], 2, 2)
	minute, _, okMinute := figures(text[14:], 2, 2)
	second, rest, okSecond := figures(text[17:], 2, 2)
	if !ok || !okHour || !okMinute || !okSecond || hour > 23 || minute > 59 || second > 59 {
		return Value{}, NoTimestamp
	}
	micros, rest, ok := fraction(rest)
	if !ok {
		return Value{}, NoTimestamp
	}
	if rest == "" {
		return Value{}, NoZone
	}
	offset, ok := zone(rest)
	if !ok {
		return Value{}, NoTimestamp
	}
	seconds := 86400*day + int64(3600*hour+60*minute+second-60*offset)
	return Value{Integer: 1_000_000*seconds + micros}, None
}

// fraction reads the digits after a point, of which six count, and no more than nine are.
func fraction(text string) (micros int64, rest string, ok bool) {
	if text == "" || text[0] != '.' {
		return 0, text, true
	}
	n, rest, ok := figures(text[1:], 1, 9)
	micros = int64(n)
	for digits := len(text) - 1 - len(rest); digits != 6; {
		if digits < 6 {
			micros *= 10
			digits++
		} else {
			micros /= 10
			digits--
		}
	}
	return micros, rest, ok
}

// zone reads Z, +01:00, +0100 or +01 in minutes east.
func zone(text string) (minutes int, ok bool) {
	if is(text, "z") {
		return 0, true
	}
	sign := 1
	switch text[0] {
	case '-':
		sign = -1
	case '+':
	default:
		return 0, false
	}
	hours, rest, ok := figures(text[1:], 2, 2)
	if !ok || hours > 23 || rest == "" {
		return sign * 60 * hours, ok && hours <= 23
	}
	if rest[0] == ':' {
		rest = rest[1:]
	}
	past, rest, ok := figures(rest, 2, 2)
	return sign * (60*hours + past), ok && rest == "" && past <= 59
}
