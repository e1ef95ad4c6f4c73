package audit

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"strconv"
)

// hash is what chains a record to the next.
type hash [sha256.Size]byte

const (
	hashLength = 43 // of a hash in text
	idLength   = 36
	// headLength bounds what stands before a record's content, and tailLength is
	// what stands after it.
	headLength = len(`{"id":"","seq":,"prev":"",`) + idLength + 20 + hashLength
	tailLength = len(`,"hash":""}`) + hashLength
)

// appendHead appends what stands before a record's content.
func appendHead(b []byte, id string, seq int64, prev hash) []byte {
	b = append(append(b, `{"id":"`...), id...)
	b = strconv.AppendInt(append(b, `","seq":`...), seq, 10)
	b = base64.RawURLEncoding.AppendEncode(append(b, `,"prev":"`...), prev[:])
	return append(b, `",`...)
}

// appendTail appends what stands after a record's content.
func appendTail(b []byte, h hash) []byte {
	b = base64.RawURLEncoding.AppendEncode(append(b, `,"hash":"`...), h[:])
	return append(b, `"}`...)
}

// seal is the hash of a record of which head is all that stands before content.
func seal(head []byte, content hash) hash {
	room := make([]byte, 0, headLength+sha256.Size)
	return sha256.Sum256(append(append(room, head...), content[:]...))
}

// link is what the chain needs to know of a line.
type link struct {
	id         string
	seq        int64
	prev, hash hash
	whole      bool // the hash is that of the line
}

var errUnchained = errors.New("it has no place in the chain")

// readLink takes a line apart, without its line break.
func readLink(line []byte) (link, error) {
	var l link
	rest, ok := bytes.CutPrefix(line, []byte(`{"id":"`))
	if !ok || len(rest) < idLength {
		return l, errUnchained
	}
	l.id = string(rest[:idLength])
	number, rest, ok := bytes.Cut(bytes.TrimPrefix(rest[idLength:], []byte(`","seq":`)), []byte(`,"prev":"`))
	if !ok || len(rest) < hashLength+2+tailLength {
		return l, errUnchained
	}
	var err error
	if l.seq, err = strconv.ParseInt(string(number), 10, 64); err != nil {
		return l, errUnchained
	}
	content := rest[hashLength+len(`",`) : len(rest)-tailLength]
	head := line[:len(line)-len(rest)+hashLength+len(`",`)]
	tail := line[len(line)-tailLength:]
	if !readHash(&l.prev, rest[:hashLength]) || !readHash(&l.hash, tail[len(`,"hash":"`):len(tail)-len(`"}`)]) {
		return l, errUnchained
	}
	again := appendHead(nil, l.id, l.seq, l.prev)
	l.whole = bytes.Equal(head, again) && bytes.Equal(tail, appendTail(nil, l.hash)) && seal(head, sha256.Sum256(content)) == l.hash
	return l, nil
}

func readHash(h *hash, text []byte) bool {
	n, err := base64.RawURLEncoding.Strict().Decode(h[:], text)
	return err == nil && n == len(h)
}

// String is h as records have it.
func (h hash) String() string { return base64.RawURLEncoding.EncodeToString(h[:]) }
