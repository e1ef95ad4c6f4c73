package limit

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"hash/crc32"
	"strconv"
	"time"
)

// counts are the calls of a day and of a month. Both begin at midnight UTC, and
// neither ends early: a clock that is set back gives no new one.
type counts struct {
	day                         int // since 1970
	month                       int // since the year 0
	calls, writes               int // of the day
	callsOfMonth, writesOfMonth int
}

func dayOf(t time.Time) int { return int(t.Unix() / (24 * 60 * 60)) }

func monthOf(t time.Time) int {
	t = t.UTC()
	return t.Year()*12 + int(t.Month()) - 1
}

// at is what counts at a time.
func (c counts) at(now time.Time) counts {
	if d := dayOf(now); d > c.day {
		c.day, c.calls, c.writes = d, 0, 0
	}
	if m := monthOf(now); m > c.month {
		c.month, c.callsOfMonth, c.writesOfMonth = m, 0, 0
	}
	return c
}

// dayEnds and monthEnds are when they begin anew.
func (c counts) dayEnds() time.Time { return time.Unix(int64(c.day+1)*24*60*60, 0).UTC() }

func (c counts) monthEnds() time.Time {
	m := c.month + 1
	return time.Date(m/12, time.Month(m%12+1), 1, 0, 0, 0, 0, time.UTC)
}

// monthLasts is how long the month is.
func (c counts) monthLasts() time.Duration {
	return c.monthEnds().Sub(time.Date(c.month/12, time.Month(c.month%12+1), 1, 0, 0, 0, 0, time.UTC))
}

// plus counts n calls more.
func (c counts) plus(n int, write bool) counts {
	c.calls += n
	c.callsOfMonth += n
	if write {
		c.writes += n
		c.writesOfMonth += n
	}
	return c
}

// less takes back a call that was counted at a time, as far as that counts yet.
func (c counts) less(at counts, write bool) counts {
	one := counts{}.plus(1, write)
	if c.day == at.day {
		c.calls, c.writes = c.calls-one.calls, c.writes-one.writes
	}
	if c.month == at.month {
		c.callsOfMonth, c.writesOfMonth = c.callsOfMonth-one.callsOfMonth, c.writesOfMonth-one.writesOfMonth
	}
	return c
}

// A line of the file is one JSON object of a fixed length, so that it can be
// replaced where it stands: in one write, which a kill -9 does not cut in two.
const lineLength = 512

const sumKey = `,"sum":"`

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// appendLine writes what is counted for a service, or for one of its tokens.
func appendLine(b []byte, k key, c counts) []byte {
	start := len(b)
	number := func(name string, n int) {
		b = append(b, name...)
		b = strconv.AppendInt(b, int64(n), 10)
	}
	b = append(b, `{"service":`...)
	b = strconv.AppendQuote(b, k.service) // of printable characters, hence JSON
	if k.token != "" {
		b = append(b, `,"token":`...)
		b = strconv.AppendQuote(b, k.token)
	}
	b = append(b, `,"day":"`...)
	b = time.Unix(int64(c.day)*24*60*60, 0).UTC().AppendFormat(b, time.DateOnly)
	number(`","calls":`, c.calls)
	number(`,"writes":`, c.writes)
	b = append(b, `,"month":"`...)
	b = time.Date(c.month/12, time.Month(c.month%12+1), 1, 0, 0, 0, 0, time.UTC).AppendFormat(b, monthLayout)
	number(`","month_calls":`, c.callsOfMonth)
	number(`,"month_writes":`, c.writesOfMonth)
	sum := crc32.Checksum(b[start:], castagnoli)
	b = append(b, sumKey...)
	b = append(fmt.Appendf(b, "%08x", sum), `"}`...)
	for len(b)-start < lineLength-1 {
		b = append(b, ' ')
	}
	return append(b, '\n')
}

const monthLayout = "2006-01"

// readLine reads a line; ok is false for one that was never written.
func readLine(line []byte) (k key, c counts, ok bool, err error) {
	if len(bytes.Trim(line, "\x00")) == 0 {
		return k, c, false, nil
	}
	var l struct {
		Service, Token, Day, Month, Sum string
		Calls, Writes                   int
		MonthCalls                      int `json:"month_calls"`
		MonthWrites                     int `json:"month_writes"`
	}
	if err := json.Unmarshal(line, &l); err != nil {
		return k, c, false, err
	}
	at := bytes.LastIndex(line, []byte(sumKey))
	if at < 0 || fmt.Sprintf("%08x", crc32.Checksum(line[:at], castagnoli)) != l.Sum {
		return k, c, false, errors.New("the line was altered")
	}
	day, err := time.Parse(time.DateOnly, l.Day)
	if err != nil {
		return k, c, false, err
	}
	month, err := time.Parse(monthLayout, l.Month)
	if err != nil {
		return k, c, false, err
	}
	return key{l.Service, l.Token}, counts{dayOf(day), monthOf(month), l.Calls, l.Writes, l.MonthCalls, l.MonthWrites}, true, nil
}
