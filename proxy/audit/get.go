package audit

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
)

// Get returns a record with its headers and bodies, by its ID or its Seq.
func (l *Log) Get(id string) (Exchange, error) {
	seq, err := strconv.ParseInt(id, 10, 64)
	if err != nil {
		if seq, err = l.seqOf(id); err != nil {
			return Exchange{}, err
		}
	}
	var out *Exchange
	err = l.Each(context.Background(), Query{Before: seq + 1, After: seq - 1, Limit: 1}, func(x *Exchange) error {
		out = x
		return nil
	})
	if err == nil && (out == nil || seq <= 0) {
		err = fmt.Errorf("%s: %w", id, ErrNoRecord)
	}
	if err != nil {
		return Exchange{}, err
	}
	return *out, nil
}

// seqOf finds a record by its ID: IDs grow with Seqs.
func (l *Log) seqOf(id string) (int64, error) {
	s, err := l.search(context.Background(), Query{})
	if err != nil {
		return 0, err
	}
	var seq int64
	if s.until > 0 {
		low, high := s.segments[0].first, s.until
		for low <= high {
			mid := low + (high-low)/2
			var at string
			err := s.db.QueryRow("SELECT seq, id FROM calls WHERE seq >= ? ORDER BY seq LIMIT 1", mid).Scan(&seq, &at)
			if err != nil {
				return 0, err
			}
			switch c := strings.Compare(at, id); {
			case c == 0:
				return seq, nil
			case c > 0:
				high = mid - 1
			default:
				low = seq + 1
			}
		}
	}
	seq = 0
	err = s.tail(func(x *found) error {
		if x.ID == id {
			seq = x.Seq
			return errEnough
		}
		return nil
	})
	if errors.Is(err, errEnough) {
		return seq, nil
	}
	if err == nil {
		err = fmt.Errorf("%s: %w", id, ErrNoRecord)
	}
	return seq, err
}
