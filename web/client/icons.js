// The icons of the page, from Lucide, gathered into web/static/vendor/icons.js as plain arrays [tag, attributes].
// A file of its own (about 10 kB), so that the documents list does not have to load the editors to draw a bin.

export {
  AlertTriangle as alert, ArrowLeft as back, Baseline as baseline, Bold as bold, Braces as braces, Check as check,
  ChevronDown as down, ChevronRight as right, CircleHelp as help, Cloud as cloud, CloudOff as offline,
  Code as code, Columns2 as columns, Copy as copy, Ellipsis as more, ExternalLink as external, Eye as eye,
  FileCode2 as fileCode, FileJson as fileJson, FilePlus2 as filePlus, FileText as fileText, FileType2 as fileRich,
  FileX2 as fileGone, Hash as hash, Heading1 as heading1, Heading2 as heading2, Heading3 as heading3,
  Highlighter as highlighter, Italic as italic, Keyboard as keyboard, Link2 as link, List as list,
  ListChecks as tasks, ListOrdered as ordered, LoaderCircle as loader, Lock as lock, Minus as rule, Monitor as system,
  Moon as moon, Pencil as pencil, Pilcrow as pilcrow, Plus as plus, Printer as printer, Quote as quote,
  Redo2 as redo, RefreshCw as refresh, RotateCcw as restore, Search as search, SquareCode as codeBlock,
  Strikethrough as strike, Sun as sun, Table as table, Trash2 as trash, Underline as underline, Undo2 as undo,
  Unlink as unlink, WrapText as wrap, X as close,
  BetweenHorizontalStart as rowAbove, BetweenHorizontalEnd as rowBelow, BetweenVerticalStart as columnBefore,
  BetweenVerticalEnd as columnAfter, TableProperties as headerRow, RemoveFormatting as clear
} from 'lucide'
