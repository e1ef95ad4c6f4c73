; For one person, without an administrator: makensis -DVERSION=… -DEXE=… -DICON=… -DLICENSES=… -DOUT=…
Unicode true
Name "Lockbox"
OutFile "${OUT}"
InstallDir "$LOCALAPPDATA\Programs\Lockbox"
InstallDirRegKey HKCU "Software\Lockbox" "Install"
RequestExecutionLevel user
SetCompressor /SOLID lzma
!include MUI2.nsh
!define MUI_ICON "${ICON}"
!define MUI_UNICON "${ICON}"
!define MUI_FINISHPAGE_RUN "$INSTDIR\lockbox.exe"
!define UNINSTALL "Software\Microsoft\Windows\CurrentVersion\Uninstall\Lockbox"
!insertmacro MUI_PAGE_DIRECTORY
!insertmacro MUI_PAGE_INSTFILES
!insertmacro MUI_PAGE_FINISH
!insertmacro MUI_UNPAGE_CONFIRM
!insertmacro MUI_UNPAGE_INSTFILES
!insertmacro MUI_LANGUAGE "English"
!insertmacro MUI_LANGUAGE "German"

LangString RUNNING ${LANG_ENGLISH} "Lockbox is running. Quit it from its icon beside the clock, then press Retry."
LangString RUNNING ${LANG_GERMAN} "Lockbox läuft noch. Bitte beenden Sie es über sein Symbol neben der Uhr und klicken Sie auf Wiederholen."

; A program that runs cannot be replaced or removed. Without anyone to ask, nothing
; is touched, and the exit code is 2.
!macro FREE ID
  ask${ID}:
    IfFileExists "$INSTDIR\lockbox.exe" 0 free${ID}
    ClearErrors
    FileOpen $0 "$INSTDIR\lockbox.exe" a
    IfErrors 0 close${ID}
    MessageBox MB_RETRYCANCEL|MB_ICONEXCLAMATION "$(RUNNING)" /SD IDCANCEL IDRETRY ask${ID}
    SetErrorLevel 2
    Abort
  close${ID}:
    FileClose $0
  free${ID}:
!macroend

Section
  !insertmacro FREE install
  SetOutPath "$INSTDIR"
  File "/oname=lockbox.exe" "${EXE}"
  File "/oname=licenses.txt" "${LICENSES}"
  WriteUninstaller "$INSTDIR\uninstall.exe"
  CreateShortcut "$SMPROGRAMS\Lockbox.lnk" "$INSTDIR\lockbox.exe"
  WriteRegStr HKCU "Software\Lockbox" "Install" "$INSTDIR"
  WriteRegStr HKCU "${UNINSTALL}" "DisplayName" "Lockbox"
  WriteRegStr HKCU "${UNINSTALL}" "DisplayVersion" "${VERSION}"
  WriteRegStr HKCU "${UNINSTALL}" "DisplayIcon" "$INSTDIR\lockbox.exe"
  WriteRegStr HKCU "${UNINSTALL}" "Publisher" "The Lockbox authors"
  WriteRegStr HKCU "${UNINSTALL}" "UninstallString" '"$INSTDIR\uninstall.exe"'
  WriteRegDWORD HKCU "${UNINSTALL}" "NoModify" 1
  WriteRegDWORD HKCU "${UNINSTALL}" "NoRepair" 1
SectionEnd

; Config, record and keys are the person's, and stay.
Section Uninstall
  !insertmacro FREE uninstall
  Delete "$INSTDIR\lockbox.exe"
  Delete "$INSTDIR\licenses.txt"
  Delete "$INSTDIR\uninstall.exe"
  RMDir "$INSTDIR"
  Delete "$SMPROGRAMS\Lockbox.lnk"
  ; What ui/autostart and the task manager write when it is started at login.
  DeleteRegValue HKCU "Software\Microsoft\Windows\CurrentVersion\Run" "io.github.lockbox"
  DeleteRegValue HKCU "Software\Microsoft\Windows\CurrentVersion\Explorer\StartupApproved\Run" "io.github.lockbox"
  DeleteRegKey HKCU "${UNINSTALL}"
  DeleteRegKey HKCU "Software\Lockbox"
SectionEnd
