package vault

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"runtime/debug"
	"slices"
	"unicode/utf8"

	"filippo.io/age"

	"lockbox/proxy/secret"
)

const (
	// workFactor is age's own: a guess of the passphrase takes about a second.
	workFactor = 18
	// maxWorkFactor bounds what an altered file can have us spend: 1 GiB.
	maxWorkFactor = 20
	// fileValue bounds a value, in bytes.
	fileValue = linuxValue
	// fileSize bounds the file, in bytes.
	fileSize = 256 << 20
	// contentVersion is that of what is inside.
	contentVersion = 1
)

// content is what a vault file holds, as JSON, by the text of the reference.
// Values that are no UTF-8, such as a signing key of random bytes, are in base64.
type content struct {
	Version int               `json:"version"`
	Secrets map[string]string `json:"secrets"`
	Bytes   map[string][]byte `json:"bytes,omitempty"`
}

// seal encrypts secrets.
func seal(values map[secret.Ref]secret.Value, passphrase secret.Value, work int) ([]byte, error) {
	defer debug.FreeOSMemory() // what scrypt took is more than all else we have
	recipient, err := age.NewScryptRecipient(passphrase.Reveal())
	if err != nil {
		return nil, err
	}
	recipient.SetWorkFactor(work)
	text, err := encode(values)
	if err != nil {
		return nil, err
	}
	var sealed bytes.Buffer
	w, err := age.Encrypt(&sealed, recipient)
	if err != nil {
		return nil, err
	}
	if _, err := w.Write(text); err != nil {
		return nil, err
	}
	if err := w.Close(); err != nil {
		return nil, err
	}
	if sealed.Len() > fileSize {
		return nil, errTooLarge
	}
	return sealed.Bytes(), nil
}

// open is the reverse of seal.
func open(sealed []byte, passphrase secret.Value) (map[secret.Ref]secret.Value, error) {
	defer debug.FreeOSMemory()
	identity, err := age.NewScryptIdentity(passphrase.Reveal())
	if err != nil {
		return nil, err
	}
	identity.SetMaxWorkFactor(maxWorkFactor)
	r, err := age.Decrypt(bytes.NewReader(sealed), identity)
	var none *age.NoIdentityMatchError
	switch {
	case errors.As(err, &none) && slices.Contains(none.StanzaTypes, "scrypt"):
		return nil, &Error{State: Locked, Err: ErrPassphrase}
	case errors.As(err, &none):
		return nil, errNoScrypt
	case err != nil:
		return nil, fmt.Errorf("%w (%w)", errDamaged, err)
	}
	text, err := io.ReadAll(r)
	if err != nil {
		return nil, fmt.Errorf("%w (%w)", errDamaged, err)
	}
	return decode(text)
}

func encode(values map[secret.Ref]secret.Value) ([]byte, error) {
	c := content{Version: contentVersion, Secrets: map[string]string{}, Bytes: map[string][]byte{}}
	for ref, v := range values {
		if text := v.Reveal(); utf8.ValidString(text) {
			c.Secrets[ref.String()] = text
		} else {
			c.Bytes[ref.String()] = []byte(text)
		}
	}
	return json.Marshal(c)
}

// decode reads what encode wrote. Its errors repeat nothing of it but names.
func decode(text []byte) (map[secret.Ref]secret.Value, error) {
	var head struct {
		Version int `json:"version"`
	}
	if err := json.Unmarshal(text, &head); err != nil || head.Version < 1 {
		return nil, errContent
	}
	if head.Version > contentVersion {
		return nil, errNewer
	}
	var c content
	d := json.NewDecoder(bytes.NewReader(text))
	d.DisallowUnknownFields()
	if err := d.Decode(&c); err != nil {
		return nil, errContent
	}
	values := make(map[secret.Ref]secret.Value, len(c.Secrets)+len(c.Bytes))
	add := func(name, value string) error {
		ref, err := secret.ParseRef(name)
		if err != nil || ref.Scheme != secret.Keychain || ref.String() != name || value == "" {
			return errContent
		}
		if _, twice := values[ref]; twice {
			return errContent
		}
		values[ref] = secret.New(value)
		return nil
	}
	for name, value := range c.Secrets {
		if err := add(name, value); err != nil {
			return nil, err
		}
	}
	for name, value := range c.Bytes {
		if err := add(name, string(value)); err != nil {
			return nil, err
		}
	}
	return values, nil
}
