// Runs before the first paint (a plain script in <head>): puts the remembered theme on <html>, so
// nothing flashes, and takes a token out of the address, so nobody sees it there. theme.js owns the
// setting, access.js uses the token; this file only reads them.
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

  const take = () => {
    if (!location.hash.startsWith('#token=')) return false
    self.quireToken = location.hash.slice('#token='.length)
    history.replaceState(null, '', location.pathname + location.search)
    return true
  }
  take()
  // A link that is pasted over the address of this very page only moves it.
  addEventListener('hashchange', () => take() && dispatchEvent(new Event('quire:token')))
}
