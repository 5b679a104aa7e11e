// Runs before the first paint (a plain script in <head>): puts the remembered theme on <html>, so
// nothing flashes. theme.js owns the setting; this file only reads it.
{
  let theme = null
  try {
    theme = localStorage.getItem('quire:theme')
  } catch {
    /* storage is switched off: follow the system */
  }
  const dark =
    theme === 'dark' || (theme !== 'light' && matchMedia('(prefers-color-scheme: dark)').matches)
  document.documentElement.dataset.theme = dark ? 'dark' : 'light'
}
