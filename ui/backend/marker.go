package backend

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"path/filepath"

	"lockbox/proxy/config"
	"lockbox/proxy/secret"
)

const markerVersion = 1

// marker is the file that a change leaves when it is interrupted. It holds
// names, no secret.
type marker struct {
	Version int            `json:"version"`
	What    string         `json:"what"`  // as in change
	Store   string         `json:"store"` // vault.Store.Name
	Done    bool           `json:"done"`  // all steps are made, or taken back
	Secrets []markedSecret `json:"secrets"`
	Files   []markedFile   `json:"files"`
	Unused  []string       `json:"unused"` // references, to be deleted once it is done
}

// markedSecret is an item of the vault that the change touches.
type markedSecret struct {
	Ref  string `json:"ref"`
	Copy string `json:"copy"` // reference of what was there; "": nothing was
}

// markedFile is a file that the change touches.
type markedFile struct {
	Path string `json:"path"`
	Copy string `json:"copy"` // path of what was there; "": there was no file
	Sum  string `json:"sum"`  // of what the change writes; "": no file
}

// newMarker is the marker of a change; id sets its copies apart from all others'.
func newMarker(id, store string, c, back change) *marker {
	m := &marker{Version: markerVersion, What: c.what, Store: store}
	for i, s := range back.secrets {
		it := markedSecret{Ref: s.Ref.String()}
		if !s.Value.IsZero() {
			it.Copy = secret.KeychainRef("lockbox", fmt.Sprintf("undo-%s-%d", id, i+1)).String()
		}
		m.Secrets = append(m.Secrets, it)
	}
	for i, f := range back.files {
		it := markedFile{Path: f.path, Sum: sumOf(c.files[i].content)}
		if f.content != nil {
			it.Copy = filepath.Join(filepath.Dir(f.path), "."+filepath.Base(f.path)+"."+id+".undo")
		}
		m.Files = append(m.Files, it)
	}
	for _, ref := range c.unused {
		m.Unused = append(m.Unused, ref.String())
	}
	return m
}

func (m *marker) hasSecrets() bool { return len(m.Secrets)+len(m.Unused) > 0 }

// ref and copy are only called on markers that check has passed, or new ones.
func (s markedSecret) ref() secret.Ref  { r, _ := secret.ParseRef(s.Ref); return r }
func (s markedSecret) copy() secret.Ref { r, _ := secret.ParseRef(s.Copy); return r }

func (j *journal) writeMarker(m *marker) error {
	text, err := json.MarshalIndent(m, "", "  ")
	if err != nil {
		return err
	}
	if err := config.ReplaceFile(j.markerPath(), append(text, '\n')); err != nil {
		return fmt.Errorf("the note of what is being changed %w", err)
	}
	j.stepped()
	return nil
}

// readMarker reads the marker, nil if there is none.
func (j *journal) readMarker() (*marker, error) {
	path := j.markerPath()
	text, err := readWhole(path)
	if text == nil || err != nil {
		return nil, err
	}
	m, err := parseMarker(text)
	if err != nil {
		return nil, fmt.Errorf("a change was interrupted, and %s, which says how to take it back, cannot be used: %w", path, err)
	}
	return m, nil
}

var errMarker = errors.New("it is damaged; see that config and keys are right, then remove it")

func parseMarker(text []byte) (*marker, error) {
	var head struct {
		Version int `json:"version"`
	}
	if err := json.Unmarshal(text, &head); err != nil || head.Version < 1 {
		return nil, errMarker
	}
	if head.Version > markerVersion {
		return nil, errors.New("a newer Lockbox wrote it; start that one once")
	}
	d := json.NewDecoder(bytes.NewReader(text))
	d.DisallowUnknownFields()
	m := &marker{}
	if err := d.Decode(m); err != nil {
		return nil, errMarker
	}
	return m, m.check()
}

// check makes sure that taking back touches what a change may have touched only.
func (m *marker) check() error {
	inVault := func(text string) bool {
		ref, err := secret.ParseRef(text)
		return err == nil && ref.Scheme == secret.Keychain
	}
	for _, s := range m.Secrets {
		if !inVault(s.Ref) || s.Copy != "" && !inVault(s.Copy) {
			return errMarker
		}
	}
	for _, f := range m.Files {
		if !filepath.IsAbs(f.Path) || f.Copy != "" && (filepath.Ext(f.Copy) != ".undo" || filepath.Dir(f.Copy) != filepath.Dir(f.Path)) {
			return errMarker
		}
	}
	for _, text := range m.Unused {
		if !inVault(text) {
			return errMarker
		}
	}
	return nil
}
