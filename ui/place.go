package ui

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/dialog"
	"fyne.io/fyne/v2/lang"
)

// placeMost is how many files of a day a folder may have.
const placeMost = 1000

// place asks for a folder, and calls then with the path of a file to be made there. Fyne's
// dialog for a file to be written empties one that is there before anything is written.
func (f *face) place(name string, then func(path string), failed func(error)) {
	d := dialog.NewFolderOpen(func(folder fyne.ListableURI, err error) {
		switch {
		case err != nil:
			failed(err)
		case folder != nil:
			path := ""
			f.loop.run("", func(context.Context) (err error) {
				path, err = freePath(folder.Path(), name)
				return err
			}, func(err error) {
				if err != nil {
					failed(err)
					return
				}
				then(path)
			})
		}
	}, f.window)
	d.SetConfirmText(lang.L("Save here"))
	d.Show()
}

// freePath is a file in a folder that is not there yet: name, or name-2 and so on.
func freePath(folder, name string) (string, error) {
	base, ext := strings.TrimSuffix(name, filepath.Ext(name)), filepath.Ext(name)
	for i := 1; i <= placeMost; i++ {
		path := filepath.Join(folder, name)
		if _, err := os.Lstat(path); errors.Is(err, fs.ErrNotExist) {
			return path, nil
		} else if err != nil {
			return "", err
		}
		name = fmt.Sprintf("%s-%d%s", base, i+1, ext)
	}
	return "", fmt.Errorf(lang.L("%s has too many files of this day: choose another folder"), folder)
}
