package audit

import (
	"encoding/json"
	"errors"
	"slices"
)

// patience is how many records are read from the log's files; -1 is whatever it
// takes.
func (s *search) patience() int {
	if s.patient || s.db == nil || s.match == "" && s.q.Since.IsZero() && s.q.Until.IsZero() {
		return -1
	}
	return maxTail
}

// tail gives f the records after the index's last, newest first, whole.
func (s *search) tail(f func(*found) error) error {
	left := s.patience()
	for _, seg := range slices.Backward(s.segments) {
		if seg.first > s.high {
			continue
		}
		err := backward(s.log.path(seg.name), func(line []byte) (bool, error) {
			var x found
			l, err := readLink(line)
			if err != nil || json.Unmarshal(line, &x.Exchange) != nil {
				return true, nil // damaged: Verify names it
			}
			switch {
			case l.seq <= s.until || l.seq < s.low || left == 0:
				return false, errRest
			case l.seq > s.newest:
				return true, nil // came meanwhile
			}
			left--
			if !s.q.fits(&x.Exchange) {
				return true, s.ctx.Err()
			}
			return true, f(&x)
		})
		if errors.Is(err, errRest) {
			return nil
		}
		if err != nil {
			return err
		}
	}
	return nil
}

var errRest = errors.New("the rest is in the index")
