package guard

// filter is what is known of a text whose beginning has gone out already.
type filter struct {
	covered int // bytes at the beginning of the rest that a mark stands for already
}

// replace appends the first ready bytes of p to out, with marks in place of what
// was found in p. Secrets that overlap get one mark together.
func (f *filter) replace(out, p []byte, ready int, found []span) ([]byte, int) {
	n, end := 0, f.covered
	for _, s := range found {
		switch {
		case s.start >= ready: // and it will be found again
		case s.start < end:
			end = max(end, s.end)
		default:
			out = append(out, p[end:s.start]...)
			out = append(out, Mark...)
			end = s.end
			n++
		}
	}
	if end < ready {
		out = append(out, p[end:ready]...)
	}
	f.covered = max(0, end-ready)
	return out, n
}

// blot is replace in place, where the length cannot change any more.
func (f *filter) blot(p []byte, ready int, found []span) int {
	n, start, end := 0, 0, f.covered
	for _, s := range found {
		switch {
		case s.start >= ready:
		case s.start < end:
			end = max(end, s.end)
		default:
			fill(p[start:min(end, ready)], n > 0)
			start, end = s.start, s.end
			n++
		}
	}
	fill(p[start:min(end, ready)], n > 0)
	f.covered = max(0, end-ready)
	return n
}

// fill puts as much of a mark into p as it has room for, or where the mark was
// before, nothing but what goes on with it. None of it means anything in JSON,
// HTML or a URL.
func fill(p []byte, begins bool) {
	mark := ""
	if begins {
		for _, mark = range []string{Mark, "[redacted]", ""} {
			if len(mark) <= len(p) {
				break
			}
		}
	}
	for i := copy(p, mark); i < len(p); i++ {
		p[i] = '*'
	}
}
