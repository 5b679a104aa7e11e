// <quire-editor document="notes" token="..."> for any page: the element itself is in js/element.
import '../static/js/element/quire-editor.js'
