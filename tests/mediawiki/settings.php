
# --- appended by the test fixture: a wiki that looks like Wikimedia Commons ---
$wgArticlePath = '/wiki/$1';
$wgUploadPath = '/wikipedia/commons';
$wgUploadDirectory = getenv( 'WIKI_PICTURES' );
$wgEnableUploads = true;
$wgFileExtensions = [ 'png', 'gif', 'jpg', 'jpeg', 'webp', 'svg', 'tif', 'tiff', 'pdf' ];
$wgUseImageMagick = true;
$wgImageMagickConvertCommand = getenv( 'WIKI_CONVERT' );
$wgSVGConverter = 'rsvg';
$wgSVGConverterPath = '/usr/bin/';
$wgTiffThumbnailType = [ 'jpg', 'image/jpeg' ];
$wgMaxImageArea = 1e8;
$wgGenerateThumbnailOnParse = false;  # thumbnails are made when they are asked for
$wgMaxShellMemory = $wgMaxShellFileSize = 0;
$wgJobRunRate = 0;
$wgMainCacheType = CACHE_ACCEL;
$wgRateLimits = [];
$wgCategoryCollation = 'uppercase';
$wgDiff3 = '';
$wgPingback = false;
$wgShowExceptionDetails = true;
wfLoadExtension( 'ParserFunctions' );

# A small model of the extension CommonsMetadata: author and licence as the file's page says them.
$wgHooks['GetExtendedMetadata'][] = static function ( &$metadata, $file ) {
	$page = MediaWiki\MediaWikiServices::getInstance()->getWikiPageFactory()->newFromTitle( $file->getTitle() );
	$content = $page->getContent();
	$text = $content ? $content->getText() : '';
	foreach ( [ 'Artist' => '/^\|author=(.*)$/m', 'LicenseShortName' => '/\{\{Licence\|([^}]*)\}\}/' ] as $name => $form ) {
		if ( preg_match( $form, $text, $found ) && trim( $found[1] ) !== '' ) {
			$metadata[$name] = [ 'value' => '<b>' . htmlspecialchars( trim( $found[1] ) ) . '</b>', 'source' => 'page' ];
		}
	}
};
